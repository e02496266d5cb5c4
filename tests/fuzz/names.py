"""What people are called, in the scripts that a British borough's people write: given and family names, to be mixed."""

from __future__ import annotations

from collections.abc import Mapping

#: By script or language: given names, then family names.
NAMES: Mapping[str, tuple[str, str]] = {
    "English": ("Amelia Oliver Zoë Chloé D'Arcy Anne-Marie", "Smith O'Connor Featherstonehaugh MacDonald Brontë"),
    "Welsh": ("Siân Llŷr Tudur Ŵyn Gwenllïan Dafydd", "ap-Rhŷs Llywelyn Ŵynne Prŷs Evans"),
    "Polish": ("Łucja Żaneta Stanisław Grażyna Bogusław", "Wałęsa Dąbrowska Świętochowski Źrebiec Kłos"),
    "Romanian": ("Ștefan Mihăiță Ioana Ținca Răzvan", "Țurcanu Bălășoiu Cîmpeanu Șerban Popescu"),
    "Lithuanian and Latvian": ("Žydrūnas Eglė Jānis Ģirts Ķirse", "Kazlauskienė Šķēle Bērziņš Vaičiūnas Ņikitins"),
    "Czech, Slovak, Hungarian": ("Božena Ľubomír Győző Tünde Řehoř", "Dvořák Šťastná Kőszegi Hĺbka Fűzfa"),
    "Turkish": ("Gülşen Iğdır İsmail Özgür Ayşegül", "Yıldırım Öztürk Çağlar Şahin Gündoğdu"),  # noqa: RUF001
    "Vietnamese": ("Ánh Tuyết Hữu Đức Thị", "Nguyễn Trần Đặng Phạm Võ"),
    "Yoruba, Igbo, Hausa": ("Ọláyínká Adébáyọ̀ Chịdị Ụzọma Ƙarama", "Adéṣínà Ọ̀kọ́ Okonkwọ Ɗanjuma Ɓaƙo"),
    "Icelandic, Maltese, Irish": ("Þóra Æsa Ġorġ Ċensa Pádraig", "Sigurðsdóttir Ħaż Żammit Ó-Súilleabháin Ní-Bhriain"),
    "Greek": ("Αλέξανδρος Ελένη Γιώργος Μαΐα Δημήτρης", "Παπαδόπουλος Οικονόμου Αγγελίδης Ραΐσης Ξένος"),
    "Cyrillic": ("Олександр Ївга Наталія Ђорђе Ўладзімір", "Шевченко Щербакова Њежић Ґалаґан Ёлкин"),
    "Hebrew": ("יצחק שרה אביגיל נֹעַם דוד", "כהן לוי בן־דוד שפירא מזרחי"),
    "Arabic": ("محمد فاطمة عبدالرحمن أحمد لُؤَيّ", "الحسيني بن‌علي المصري إسماعيل العبيدي"),
    "Urdu": ("فاطمہ ٹیپو گلزار ذیشان نصرت", "قریشی چوہدری بھٹّی ڈار آفریدی"),
    "Persian, Pashto, Kurdish": ("پروین ژاله گلاب کاوه ښایسته", "رضایی‌نژاد چگینی ځاځی ڕەسووڵ هۆشیار"),
    "Devanagari": ("प्रिया क्षितिज आर्या हर्ष ज्ञानेश्वर", "श्रीवास्तव शर्मा त्रिपाठी ठाकुर गुरुङ"),
    "Bengali": ("রহিম শ্রীময়ী তৃষ্ণা উজ্জ্বল জাহানারা", "চৌধুরী উদ্দিন বন্দ্যোপাধ্যায় খাতুন হক"),
    "Gurmukhi": ("ਗੁਰਪ੍ਰੀਤ ਹਰਜਿੰਦਰ ਸੁਖਵੀਰ ਜਸਲੀਨ ਅੰਮ੍ਰਿਤ", "ਸਿੰਘ ਕੌਰ ਗਿੱਲ ਸੰਧੂ ਢਿੱਲੋਂ"),
    "Gujarati": ("જિજ્ઞેશ હર્ષદ કૃપા નિશા ધર્મેશ", "પટેલ શાહ દેસાઈ ત્રિવેદી જોશી"),
    "Tamil": ("செல்வி முருகன் லட்சுமி ஸ்ரீதர் கார்த்திக்", "முத்துக்குமார் சுப்பிரமணியம் ராஜா பிள்ளை நாதன்"),
    "Telugu": ("వెంకటేశ్వర్లు లక్ష్మి శ్రీనివాస్ పద్మ కృష్ణ", "రెడ్డి నాయుడు చౌదరి శాస్త్రి రావు"),
    "Kannada": ("ಕೃಷ್ಣ ಲಕ್ಷ್ಮೀ ಮಂಜುನಾಥ್ ಶ್ರೀದೇವಿ ಪ್ರಜ್ವಲ್", "ಮೂರ್ತಿ ಗೌಡ ಹೆಗ್ಡೆ ಶೆಟ್ಟಿ ರಾವ್"),
    "Malayalam": ("ശ്രീകുമാർ ലക്ഷ്മി ഉണ്ണി അമ്മിണി മുഹമ്മദ്", "നായർ മേനോൻ പിള്ള വർഗ്ഗീസ് കുട്ടി"),
    "Sinhala": ("තිසාර ප්‍රියන්ත ශ්‍රියානි කුමාර ලක්ෂ්මන්", "පෙරේරා ද-සිල්වා ජයසූරිය බණ්ඩාර රත්නායක"),
    "Thai": ("สมชาย ณัฐพงศ์ กัญญา ปิ่น วิไล", "ศรีสุข จันทร์โอชา เทพหัสดิน ทองดี บุญมี"),
    "Ethiopic": ("አበበ ተስፋዬ ሰላማዊት ብርሃነ ጽጌ", "ገብረመድኅን ኃይሌ ወልደማርያም መንግሥቱ ዘውዴ"),
    "Georgian": ("გიორგი ნინო თამარ დავით მარიამ", "ბერიძე კვარაცხელია მხეიძე წიკლაური ჯაფარიძე"),
    "Armenian": ("Արմեն Անահիտ Գևորգ Շուշան Վարդան", "Սարգսյան Պետրոսյան Խաչատրյան Եղիազարյան Քոչարյան"),
    "Chinese": ("小明 秀英 建國 偉 詩婷", "王 陳 歐陽 张 李"),
    "Japanese": ("さくら ヒロシ 美咲 翔太 結衣", "佐藤 渡邊 山田 ｱﾍﾞ 斎藤"),
    "Korean": ("민준 서연 지우 하은 쥰", "김 이 박 최 뉴"),
    "Khmer, Lao, Burmese": ("សុខា ចន្ទា ສົມພອນ အောင် ဒေါ်ခင်", "ហ៊ុន ស៊ឹម ໄຊຍະສອນ ဆန်း မြင့်"),
    "Tibetan": ("བཀྲ་ཤིས པད་མ ཚེ་རིང སྒྲོལ་མ རྡོ་རྗེ", "རྒྱ་མཚོ བསྟན་འཛིན ལྷ་མོ ནོར་བུ དཔལ"),
    "Syriac, Thaana, N'Ko": ("ܣܪܓܘܢ ܢܝܢܘܣ އަޙްމަދު ߊ߬ߟߌ ߝߊ߬ߕߡߊ", "ܒܝܬ ܐܬܘܪ އިބްރާހީމް ߞߎߦߊߕߋ ߖߊ߬ߟߏ"),  # noqa: RUF001
}
#: What no import takes and no letter can show, with a part of the reason.
HOSTILE = (
    ("Ali \u202eegdelO", "turns the order"),
    ("A\u2067B", "turns the order"),
    ("Bell \x07", "control character"),
    ("Esc \x1b[2J", "control character"),
    ("Zoe \U0001f496", "no font here has"),
    ("Unassigned \u0378", "no font here has"),
    ("Private \ue000", "no font here has"),
    ("x" * 30_000, "30,000 letters long"),
    ("e" + "\u0301" * 500, "501 letters long"),
    ("\u2028two lines", "control character"),
)
